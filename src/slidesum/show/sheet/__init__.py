"""A network as a spreadsheet: every number of it a cell, every cell that is computed a formula.

    names        what sheets, cells and names are called
    area         where one array stands: an index becomes a cell
    wanted       the arrays of a layer, and which of their axes run where
    layout       which arrays stand on which sheet
    patches      the terms of one value as rectangles of cells
    functions    the functions that all three programs have
    equations    a cell's formula, of a layer that is an equation
    others       the same, of the other layers
    limits       how much it will be, before anything is written
    style        how cells look
    layers       the sheet of a layer, or of the input
    network      the table, with counts that follow from k1, k2 …
    prediction   the outputs, with a chart
    live         the terms of one value as cells, whose place is typed
    panels       which values are told so, and how many formulas that is
    explain      the sheet on which they stand
    book         all sheets, as one file
    read         the numbers of an edited file, back into a network

The formulas come from the terms that an explanation tells (`laws.explain`), the table from the rows of `show.table`: nothing about
a layer is said a second time. Excel, Google Sheets and LibreOffice compute them; nothing is used that only one of them has.
"""
