"""From random positions: k steps forward and k back, and k back and k forward, are the same states,
and the places on the way are mirror images. DISCO_TEST_SEED chooses other positions."""
import os
import random
import sys

sys.path.insert(0, os.environ["DISCO_GDB_TESTS"])
from checks import check, digest, finish, place, position, run, same, say, seconds, seek

STARTS = 100 * int(os.environ.get("DISCO_TEST_SCALE", "1"))
seed = int(os.environ.get("DISCO_TEST_SEED", "1"), 0)
chance = random.Random(seed)
say("seed", seed)

seek("end")
end = position()
last = digest()


def there_and_back(there, back, k):
    before = digest()
    way = [place()]
    for _ in range(k):
        run(there)
        way.append(place())
    for want in reversed(way[:-1]):
        run(back)
        same(place(), want, "%s after %s" % (back, there))
    same(digest(), before, "digest after %d %s and %s" % (k, there, back))


steps = 0
for start in range(STARTS):
    at = chance.randrange(1000, end - 1000)
    text = seek(at)
    check(position() in (at, at + 1), "seek %d: %s" % (at, text))
    k = chance.randint(1, 50)
    there_and_back("stepi", "reverse-stepi", k)
    there_and_back("reverse-stepi", "stepi", k)
    steps += 4 * k

# All at once, as gdb counts them.
seek(end // 2)
before = digest()
took = seconds("stepi 200")
took_back = seconds("reverse-stepi 200")
same(digest(), before, "digest after 200 steps and back")
say("%d steps; stepi %.2f ms, reverse-stepi %.2f ms" % (steps + 400, took * 5, took_back * 5))

# A debugged replay ends as an undebugged one.
seek("end")
same(digest(), last, "digest at the end")
finish()
