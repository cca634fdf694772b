rule cell:
    input:
        inputs_of_cell,
    output:
        record("cell", "{table}/{cell}"),
    log:
        log_of("cell", "{table}/{cell}"),
    group:
        GROUP_OF_CELLS
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=500,
        runtime=2,
    params:
        job=lambda wildcards: description(cell_of(wildcards)),
    shell:
        f"keyfilters cell @{{params.job:q}} {ARTIFACTS} {{output}} > {{log}} 2>&1"


for table, job in TABLES.items():

    rule:
        name:
            table
        input:
            inputs_of_table(table),
        output:
            **table_files(table),
        log:
            log_of(table, table),
        group:
            GROUP_OF_TABLES
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=OUTPUTS[table].memory_mb,
            runtime=OUTPUTS[table].minutes,
        params:
            job=description(job),
            caption=OUTPUTS[table].caption,
        shell:
            f"keyfilters render @{{params.job:q}} {ARTIFACTS} {{output.csv}} > {{log}} 2>&1"


# What the study found, on one page; no part of `all`, since nothing rests on it.
rule page:
    input:
        [record(table, table) for table in TABLES],
    output:
        f"{RESULTS}/README.md",
    log:
        log_of("page", "page"),
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    shell:
        f"keyfilters page --study {CONFIG.study} > {{log}} 2>&1"
