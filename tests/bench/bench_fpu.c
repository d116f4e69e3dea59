/*
 * Time per FPU instruction: loops of one kind of instruction each, in flat RAM,
 * under both engines. `bench_fpu [million steps]`. The first figure counts
 * the loop's own two instructions in every 26 as if they were of that kind.
 */
#include <stdio.h>
#include <time.h>

#include "tests/unit/mips_asm.h"
#include "tests/unit/mips_rig.h"

#define BODY 24
#define DATA 0x4000u

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Each is repeated to fill the body of its loop. */
static const struct {
    const char *name;
    uint32_t words[8];
    unsigned n;
} kinds[] = {
    {"add.d, in a chain", {0x46241080}, 1},              /* add.d f2, f2, f4 */
    {"add.d mul.d, apart", {0x46243180, 0x46245202}, 2}, /* f6 = f6 + f4, f8 = f10 * f4 */
    {"mul.s, in a chain", {0x46041082}, 1},
    {"div.d", {0x46243183}, 1},                          /* f6 = f6 / f4 */
    {"sqrt.d", {0x46202184}, 1},
    {"madd.d", {0x4c8421a1}, 1},
    {"c.lt.d", {0x4624103c}, 1},
    {"trunc.w.d cvt.d.w", {0x4620218d, 0x46803221}, 2},
    {"cvt.s.d cvt.d.s", {0x462021a0, 0x46003221}, 2},
    {"mov.d neg.d", {0x46202186, 0x46202207}, 2},
    {"mtc1 mfc1", {0x44883000, 0x44093000}, 2},
    {"ldc1 sdc1", {0xd6060008, 0xf6060010}, 2},
    {"lwc1 swc1", {0xc6060008, 0xe6060010}, 2},
    {"ldc1 ldc1 mul.d add.d sdc1", {0xd6060008, 0xd6080018, 0x46283182, 0x46261080, 0xf6020020}, 5},
};

static double measure(unsigned kind, enum mips_engine engine, bool wide, uint64_t steps)
{
    struct rig *r = rig_create("24Kf", false, 1u << 20);
    uint32_t words[BODY + 2];
    for (unsigned i = 0; i < BODY; i++)
        words[i] = kinds[kind].words[i % kinds[kind].n];
    words[BODY] = BEQ_W(ZERO, ZERO, -(BODY + 1));
    words[BODY + 1] = ADDIU_W(T1, T1, 1);
    rig_code(r, 0x1000, words, BODY + 2);
    mips_set_engine(r->cpu, engine);
    for (unsigned i = 0; i < 32; i++)
        r->cpu->fpr[i] = wide ? UINT64_C(0x3ff0000000000001) : i & 1 ? 0x3ff00000 : 1;
    r->cpu->gpr[S0] = RIG_KSEG0 | DATA;
    rig_start(r, 0x1000, STATUS_CU1 | (wide ? STATUS_FR : 0));
    double begin = seconds();
    while (mips_steps(r->cpu) < steps)
        rig_run(r, 100000);
    double t = seconds() - begin;
    rig_destroy(r);
    return t * 1e9 / (double)steps;
}

int main(int argc, char **argv)
{
    uint64_t steps = UINT64_C(1000000) * (argc > 1 ? strtoull(argv[1], NULL, 0) : 10);
    printf("ns per instruction          interpreter  translator FR=0  FR=1\n");
    for (unsigned k = 0; k < ARRAY_LEN(kinds); k++)
        printf("%-28s %10.2f %16.2f %5.2f\n", kinds[k].name, measure(k, MIPS_INTERP, false, steps),
               measure(k, MIPS_JIT, false, steps), measure(k, MIPS_JIT, true, steps));
    return 0;
}
