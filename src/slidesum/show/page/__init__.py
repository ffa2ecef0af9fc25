"""The page: a network and an image, walked through from the picture to the prediction, down to every product.

One front end (`front/`, ES modules without dependencies) in three homes, which differ only in who answers what it asks:

    html      one file; the page has all numbers it needs, and computes the answers itself
    widget    in a notebook; Python answers over the notebook's connection
    serve     a server on this machine; Python answers over HTTP, and the image and the weights can be changed

    document  what the page knows of the network: rows of the table, equations with their sizes
    numbers   arrays as packed bytes: eight bits to look at, float32 where sums are explained
    choose    which values are explained exactly where a file can't hold them all
    session   a network and its input; answers asks
    front     the modules of `front/` as one text
    shell     the HTML of the served page
    guard     who is let in: token, host, origin
    frame     an ask or an answer as bytes
"""
