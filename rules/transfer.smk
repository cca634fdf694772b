rule transfer:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("transfer"),
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
    shell:
        f"keyfilters transfer {{params.job:q}} {ARTIFACTS} --threads {{threads}} > {{log}} 2>&1"
