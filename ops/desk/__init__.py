"""
The operators' desk: all that an operator can see and do, for the CLI and the console alike.

    from ops.desk.desk import Desk
    from ops.desk.stage import connect

    desk = Desk(connect("prod"))
    for record in desk.orders.newest_first(query): ...

No terminal and no web page in here: a long answer is an iterator, which the caller shows as it
comes and may close at any time. All of it raises `chalicelib.services.unavailable.StoreUnavailable`
when a call to AWS fails. One desk may be used by any number of threads.

    stage.py              connect to a stage with the operator's own credentials
    desk.py               Desk: all services over one stage
    orders.py             submit, look up, list and follow orders
    exports.py            records as CSV, NDJSON or Parquet
    masking.py            accounts with all but their last four digits hidden, in any text
      masked_records.py   records, errors and keys with their accounts hidden
      masked_json.py      JSON, written anew with its accounts hidden
      account_shapes.py   what in a text may be an account, and what only looks like one
      escapes.py          a text without its escapes
    dead_letters.py       look at, redrive and discard dead letters
      letters.py          dead letters, and the choice of some of them
      look.py             a look into the queue
      letter_reader.py    messages read as dead letters
      letter_reasons.py   why a message can be a dead letter
      letter_decisions.py what was decided about a letter
      resubmission.py     a letter's order, edited, as a new submission
    decisions.py          what was decided about a submission that is not recorded
      decision_log.py     its log, which each recovery tool writes and goes by
      put_away.py         objects that were put away, told from the others
    audit_trail.py        who did what, when and why
      audit_words.py      the words of it, in the reader's language
    reconcile.py          the archive against the table, both ways
      findings.py         its findings and counts
    replay.py             the table built anew from the archive
      proof.py            the proof that both are equal
    stats.py              counts, ages and depths

    order_table.py, order_bucket.py, decision_bucket.py, dead_letter_queue.py: DynamoDB, S3 and
    SQS, as operators use them; external_sort.py: sorting more than memory should hold.
"""
