/*
 * fuzz_gdb_random SECONDS [SEED [FIRST]]: bounded fuzzing without libFuzzer.
 * Cases are made of real packets, mutated. Case number N depends on the seed
 * and N only: the last number printed before a crash is where to start again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "tests/fuzz_gdb/fuzz_gdb.h"

static const char *const seeds[] = {
    "qSupported:multiprocess+;swbreak+;hwbreak+;error-message+",
    "vMustReplyEmpty",
    "QStartNoAckMode",
    "!",
    "?",
    "Hgp1.2",
    "Hc-1",
    "Hcp1.1",
    "Hgp0.0",
    "Hg1",
    "Tp1.1",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "qThreadExtraInfo,p1.1",
    "qAttached:1",
    "vAttach;2",
    "vKill;1",
    "vRun;;313030",
    "D;1",
    "D",
    "g",
    "G000000000000000000000000",
    "p25",
    "p5a",
    "P8=01000000",
    "m80001008,40",
    "mffffffff80002000,ffffffff",
    "M80002000,2:6162",
    "X80002000,0:",
    "X80002000,3:abc",
    "qCRC:80001000,1000",
    "qSearch:memory:80001000;1000;ab",
    "Qqemu.PhyMemMode:1",
    "qqemu.PhyMemMode",
    "Z0,80001018,4",
    "Z1,8000101c,4",
    "Z2,80002000,4",
    "Z3,80002004,4",
    "Z4,80002000,8",
    "z0,80001018,4",
    "z2,80002000,4",
    "Z0,80001018,4;X9,260008162022051327",
    "Z0,80001018,4;X9,260008162022051327;cmds:1,X15,26000816202200220034010007743d25645c6e0027",
    "Z0,80001014,4;X1d,23200019220017281522fe2e2d3334000003782573002021000522012032010227",
    "vCont?",
    "vCont;c",
    "vCont;s:p1.1",
    "vCont;s:p1.1;c",
    "vCont;r80001010,80001020:p1.1;c:p1.-1",
    "vCont;C05:p1.-1",
    "s",
    "c",
    "bs",
    "bc",
    "qXfer:features:read:target.xml:0,1000",
    "qXfer:threads:read::0,1000",
    "qXfer:exec-file:read:2:0,100",
    "qXfer:osdata:read:processes:0,1000",
    "vFile:setfs:0",
    "vFile:open:2f766d322f70726f6772616d,0,1c0",
    "vFile:fstat:0",
    "vFile:pread:0,100,0",
    "vFile:close:0",
    "qRcmd,7768656e",
    "qRcmd,7365656b20393939",
    "qSymbol::",
    "QNonStop:0",
    "QThreadSuffixSupported",
    "qHostInfo",
    "R0",
    "\3",
};

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32) % below;
}

/* Change one thing at a place of b after `from`. */
static void mutate(struct buf *b, size_t from)
{
    static const char *const bits[] = {
        "ffffffffffffffff", "80000000", "0",        "-1", ",", ";", ":", "X", "p1.1",
        "p-1.-1",           "=",        "7fffffff", "}",  "*"};
    size_t n = b->len - from;
    if (n == 0)
        return;
    size_t at = from + any((uint32_t)n);
    const char *text = bits[any(ARRAY_LEN(bits))];
    size_t length = strlen(text);
    switch (any(5)) {
    case 0:
        b->data[at] = (uint8_t)any(256);
        break;
    case 1:
        b->data[at] ^= (uint8_t)(1u << any(8));
        break;
    case 2: /* cut off */
        b->len = at;
        break;
    case 3: /* take out */
        memmove(b->data + at, b->data + at + 1, b->len - at - 1);
        b->len--;
        break;
    default: /* put in */
        buf_reserve(b, length);
        memmove(b->data + at + length, b->data + at, b->len - at);
        memcpy(b->data + at, text, length);
        b->len += length;
        break;
    }
}

static void make_case(struct buf *b)
{
    buf_clear(b);
    buf_putc(b, any(8) == 0 ? 0 : 1);
    for (uint32_t packets = 1 + any(20); packets > 0; packets--) {
        size_t from = b->len;
        buf_puts(b, seeds[any(ARRAY_LEN(seeds))]);
        for (uint32_t k = any(3) == 0 ? 1 + any(4) : 0; k > 0; k--)
            mutate(b, from);
        buf_putc(b, 0xff);
    }
}

int main(int argc, char **argv)
{
    long seconds = argc > 1 ? atol(argv[1]) : 10;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    uint64_t number = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    time_t end = time(NULL) + seconds;
    struct buf b = {0};
    printf("seed %llu\n", (unsigned long long)seed);
    while (time(NULL) < end) {
        printf("case %llu\n", (unsigned long long)number);
        fflush(stdout);
        for (uint64_t last = number + 100; number < last; number++) {
            state = (seed + 1) * 0x9e3779b97f4a7c15u ^ (number + 1) * 0xd1342543de82ef95u;
            make_case(&b);
            LLVMFuzzerTestOneInput(b.data, b.len);
        }
    }
    buf_free(&b);
    return 0;
}
