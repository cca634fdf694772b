#!/bin/sh
# `keyfilters` in the benchmark of large studies: outputs of the right names, in a millisecond or two and without content.
set -eu
stage=$1
[ "$stage" != filters ] || shift
description=${2#@}
root=$3
folder=${description#.snakemake/keyfilters/}
folder=${folder%.json}
case $stage in
    cell | filterdb | filters | render)
        file=$4
        without=${file%.*}
        mkdir -p "${file%/*}"
        case $stage in
            render) touch "$without.csv" "$without.paper.csv" "$without.md" "$without.svg" "$without.png" ;;
            filters) touch "${file%/*}/models.parquet" "${file%/*}/layers.parquet" "${file%/*}/summary.csv" "${file%/*}/summary.md" ;;
        esac
        printf '{"key": "%s", "files": {}}\n' "${description##*-}" | sed 's/\.json"/"/' > "$without.json"
        ;;
    *)
        mkdir -p "$root/$folder"
        {
            printf '{"facts": {"train": 10, "test": 5}, "description": '
            cat "$description"
            printf '}\n'
        } > "$root/$folder/manifest.json"
        ;;
esac
