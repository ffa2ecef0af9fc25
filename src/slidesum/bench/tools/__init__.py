"""Where tools disagree: small torch modules, counted by slidesum, by seven known tools, and by a loop that multiplies.

    case      what is counted: a module, an example, and the same arithmetic as equations
    judge     runs the equations with the plain-loop reference on numbers that count their multiplications
    adapters  one file a tool: what it printed, and the same as multiply-adds
    worker    one process a tool, so that tools that patch torch don't meet each other
    run       all of them
    page      the Markdown of docs/tools.md

`python -m slidesum.bench.tools` measures, and writes bench/tools.json and docs/tools.md. It needs the extra `tools`.
"""
