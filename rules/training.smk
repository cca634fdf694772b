rule train:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("train"),
    log:
        log_of("train", "{stage_folder}/{artifact}"),
    group:
        group_of_training
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb,
        runtime=runtime,
        gpu=GPU,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
        options=train_options,
        jobs_per_gpu=CONFIG.jobs_per_gpu,
    shell:
        f"exec keyfilters train @{{params.job:q}} {ARTIFACTS} {{params.options:q}} --threads {{threads}}"
        " --jobs-per-gpu {params.jobs_per_gpu} > {log} 2>&1"
