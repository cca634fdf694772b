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
    params:
        job=lambda wildcards: keyed(wildcards).as_json,
        options=train_options,
    shell:
        f"keyfilters train {{params.job:q}} {ARTIFACTS} {{params.options:q}} --threads {{threads}} > {{log}} 2>&1"
