rule transfer:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("transfer"),
    log:
        log_of("transfer", "{stage_folder}/{artifact}"),
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
        jobs_per_gpu=CONFIG.jobs_per_gpu,
    shell:
        f"exec keyfilters transfer @{{params.job:q}} {ARTIFACTS} --threads {{threads}}"
        " --jobs-per-gpu {params.jobs_per_gpu} > {log} 2>&1"
