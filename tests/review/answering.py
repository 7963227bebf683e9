"""A process that sends many answers at once and says each one that was confirmed, until it ends.

Run by `test_survey_killed.py` as `python answering.py ADDRESS FIRST LAST`.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from drawn_surveys import survey

from spondyl.review.records import Answer
from spondyl.review.store import open_store, utc_now

SURVEY = survey()


def numbered(n: int) -> Answer:
    """The same every time but for its `at`."""
    item = SURVEY.items[n % len(SURVEY.items)]
    return Answer(
        f"answer-{n:05}",
        "spines",
        "a",
        item.item_id,
        None,
        "unaided",
        "diagnosis",
        SURVEY.labels[n % 3],
        n / 8,
        utc_now(),
    )


def main() -> None:
    where, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    store = open_store(where)
    answers = [numbered(n) for n in range(first, last)]
    os.write(1, b"ready\n")

    def send(answer: Answer) -> None:
        kept = store.add(answer)
        os.write(1, f"{kept.answer_id}\n".encode())  # short writes to a pipe are whole

    with ThreadPoolExecutor(200) as pool:
        list(pool.map(send, answers))


if __name__ == "__main__":
    main()
