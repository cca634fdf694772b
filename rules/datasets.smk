rule prepare:
    output:
        artifact("prepare"),
    log:
        log_of("prepare", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=memory_mb,
        runtime=runtime,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
        options=prepare_options,
    shell:
        f"keyfilters prepare @{{params.job:q}} {ARTIFACTS} {{params.options:q}} > {{log}} 2>&1"
