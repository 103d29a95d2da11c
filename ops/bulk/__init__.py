"""
A file of orders, one a line, handed in through `POST /order-batches`: any size, none twice.

    submission.py   FileSubmission: the whole file, batch by batch, with a note after each
      source.py     the file: locked, and refused if it is not the one that was begun
      lines.py      its lines, in batches that one request can take
      sender.py     a batch, handed in until the API has answered for each line
        answers.py  what an answer settles
        patience.py how long to wait between two attempts, and when to give up
      progress.py   how far it came, in a file that is replaced after each batch
      refused.py    the refused lines, and why, in files that grow before the note is written
      durable.py    files that are as they should be whenever the machine stops
    judging.py      the file judged here, without a stage: the dry run

Whenever the process ends, the files say how far it surely came. What came after that is handed in
again, with the same key: a submission's id follows from caller, key and line, so none counts twice.
"""
