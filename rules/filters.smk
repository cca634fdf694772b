rule extract:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("extract"),
    log:
        log_of("extract", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
        options=extract_options,
    shell:
        f"keyfilters extract @{{params.job:q}} {ARTIFACTS} {{params.options:q}} > {{log}} 2>&1"


rule filters:
    input:
        inputs_of_filters,
    output:
        **filters_files(),
    log:
        log_of("filters", "filters"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        job=description(FILTERS),
    shell:
        f"keyfilters filters tables @{{params.job:q}} {ARTIFACTS} {{output.record}} > {{log}} 2>&1"
