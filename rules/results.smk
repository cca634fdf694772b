rule cell:
    input:
        inputs_of_cell,
    output:
        cell_file("{table}/{cell}"),
    log:
        f"logs/cell/{CONFIG.study}/{{table}}/{{cell}}.log",
    group:
        "results"
    conda:
        ENVIRONMENT
    threads: 1
    resources:
        mem_mb=500,
        runtime=2,
    params:
        job=lambda wildcards: cell_of(wildcards).as_json,
    shell:
        f"keyfilters cell {{params.job:q}} {ARTIFACTS} {{output}} > {{log}} 2>&1"


for table, job in TABLES.items():

    rule:
        name:
            table
        input:
            inputs_of_table(table),
        output:
            table_files(table),
        log:
            f"logs/{table}/{CONFIG.study}.log",
        group:
            "results"  # a table and its cells: moments each, one submission
        conda:
            ENVIRONMENT
        threads: 1
        resources:
            mem_mb=2000,
            runtime=5 if job.settings.get("set") is None else 30,
        params:
            job=job.as_json,
            table=table,
        shell:
            f"keyfilters {{params.table}} {{params.job:q}} {ARTIFACTS} {{output.csv}} > {{log}} 2>&1"
