"""story.py: what members said and what was done to them, with times in milliseconds of the wall clock. It judges nothing: audit.py does.
"""
import collections
import threading
import time

# what: assigned, revoked, lost (partitions: those gained or given up), commit (word: its result), started, stalled, left
Event = collections.namedtuple("Event", "at member what generation partitions word", defaults=(-1, (), ""))
Read = collections.namedtuple("Read", "at member partition first last")
# what: join, leave, kill (the process ends without a word), stall (it stops polling), freeze (it stops altogether), resume, thaw
Change = collections.namedtuple("Change", "at member what")


def now_ms():
    return time.time() * 1000


class Story:
    """Filled by the members' reading threads and the driver; `owned` is what each member says it has at this moment."""

    def __init__(self):
        self.lock = threading.Lock()
        self.events, self.reads, self.changes, self.notes = [], [], [], []
        self.owned, self.last_turn = {}, 0.0

    def told(self, event):
        with self.lock:
            self.events.append(event)
            mine = self.owned.setdefault(event.member, set())
            if event.what == "assigned":
                mine |= set(event.partitions)
            elif event.what in ("revoked", "lost"):
                mine -= set(event.partitions)
            elif event.what == "left":
                mine.clear()
            if event.what in ("assigned", "revoked", "lost"):
                self.last_turn = max(self.last_turn, event.at)

    def read(self, *what):
        with self.lock:
            self.reads.append(Read(*what))

    def note(self, member, text):
        with self.lock:
            self.notes.append(f"{now_ms():.0f} {member}: {text}")

    def changed(self, member, what, at=None):
        change = Change(at or now_ms(), member, what)
        with self.lock:
            self.changes.append(change)
        return change

    def said(self, member, what):
        with self.lock:
            return [e for e in self.events if e.member == member and e.what == what]

    def holders(self, members):
        """{partition: how many of these members say they have it}"""
        with self.lock:
            return collections.Counter(p for m in members for p in self.owned.get(m, ()))
