rule train:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("train"),
    log:
        "logs/{room}/{artifact}.log",
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
        gpu=GPU,
    params:
        job=lambda wildcards: keyed(wildcards).as_json,
        options=train_options,
        jobs_per_gpu=CONFIG.jobs_per_gpu,
    shell:
        f"keyfilters train {{params.job:q}} {ARTIFACTS} {{params.options:q}} --threads {{threads}}"
        " --jobs-per-gpu {params.jobs_per_gpu} > {log} 2>&1"
