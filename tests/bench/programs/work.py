"""Work for a Python interpreter: objects, dictionaries, strings, generators, big integers."""


class Node:
    """A node of a binary search tree."""

    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


def insert(root, key):
    node = root
    while True:
        if key == node.key:
            return
        side = "left" if key < node.key else "right"
        below = getattr(node, side)
        if below is None:
            setattr(node, side, Node(key))
            return
        node = below


def walk(node, depth=0):
    if node is not None:
        yield from walk(node.left, depth + 1)
        yield node.key, depth
        yield from walk(node.right, depth + 1)


def numbers(count, seed):
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield seed >> 8


def tree_work():
    root = Node(1 << 22)
    for number in numbers(500, 11):
        insert(root, number)
    return sum(key * (depth + 1) for key, depth in walk(root)) % 1000000007


def word_work():
    words = ["w%x" % (number % 700) for number in numbers(2000, 5)]
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    text = " ".join("%s:%d" % item for item in ordered)
    return len(text.replace("w1", "x")) + sum(map(ord, text))


def float_work():
    total = 0.0
    for number in numbers(2000, 77):
        total += (number ** 0.5) / (1.0 + number)
    return round(total * 1e9)


def big_work():
    a, b = 0, 1
    for _ in range(1200):
        a, b = b, a + b
    return int(str(a)[::-1]) % 1000000007


print(tree_work(), word_work(), float_work(), big_work())
