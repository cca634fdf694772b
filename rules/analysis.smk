rule moments:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("moments"),
    log:
        log_of("moments", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
    shell:
        f"keyfilters moments @{{params.job:q}} {ARTIFACTS} --threads {{threads}} > {{log}} 2>&1"


rule basis:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("basis"),
    log:
        log_of("basis", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 8
    resources:
        mem_mb=1500,
        runtime=120,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
    shell:
        f"keyfilters basis @{{params.job:q}} {ARTIFACTS} --threads {{threads}} > {{log}} 2>&1"


rule histograms:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("histograms"),
    log:
        log_of("histograms", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
    shell:
        f"keyfilters histograms @{{params.job:q}} {ARTIFACTS} --threads {{threads}} > {{log}} 2>&1"


rule layers:
    input:
        lambda wildcards: manifests_of(keyed(wildcards)),
    output:
        artifact("layers"),
    log:
        log_of("layers", "{stage_folder}/{artifact}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        job=lambda wildcards: description(keyed(wildcards)),
    shell:
        f"keyfilters layers @{{params.job:q}} {ARTIFACTS} > {{log}} 2>&1"


rule filterdb_set:
    input:
        inputs_of_filterdb,
    output:
        record("filterdb", "{set}"),
    log:
        log_of("filterdb", "{set}"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        job=lambda wildcards: description(FILTERDB[wildcards.set]),
    shell:
        f"keyfilters filterdb @{{params.job:q}} {ARTIFACTS} {{output}} > {{log}} 2>&1"


rule filterdb:
    input:
        [record("filterdb", name) for name in FILTERDB],
