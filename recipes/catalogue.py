"""The recipes as a list: for the eye and as data."""

from __future__ import annotations

from recipes.recipe import find, names


def rows() -> list[dict[str, object]]:
    """One row a recipe: what it is, where its checkpoint comes from, and the first release that can do it."""
    found = {name: find(name) for name in names()}
    return [
        {
            "recipe": name,
            "title": recipe.title,
            "checkpoint": recipe.checkpoint.hub,
            "revision": recipe.checkpoint.revision,
            "since": recipe.since.release,
            "dtype": recipe.dtype,
            "max_batch_size": recipe.limits.max_batch_size,
            "max_input_len": recipe.limits.max_input_len,
            "max_output_len": recipe.limits.max_output_len,
        }
        for name, recipe in found.items()
    ]


def table() -> str:
    """The same, within 80 columns."""
    line = "{:<14} {:<9} {:<36} {}".format
    lines = [line("RECIPE", "SINCE", "CHECKPOINT", "BATCH x (IN + OUT)")]
    for row in rows():
        limits = f"{row['max_batch_size']} x ({row['max_input_len']} + {row['max_output_len']})"
        lines.append(line(str(row["recipe"]), str(row["since"]), str(row["checkpoint"]), limits))
    return "\n".join([*lines, "", "invoke serve RECIPE --dry   prints what serving it would do"])
