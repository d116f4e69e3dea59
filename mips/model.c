/*
 * The processors that `-cpu` may name. The configuration registers announce
 * what is implemented here and no more: no MIPS16e, DSP, MT, MSA,
 * virtualization, EVA or XPA, whatever the chip of the name had.
 * PRId and cache geometry are those of the chips' manuals. The 24K may be built
 * with 16, 32 or 64 TLB entries; 64 spare a Linux userland nine in ten refills.
 * Any model may get another number of them. The chips had no more than 64: what
 * is beyond is announced as the architecture says, in Config4 (cp0.c), which
 * release 1 does not have. It spares about half of what refills are left, but
 * those are one event in twenty-five even of a shell that does nothing but fork.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "mips/cpu.h"

#define CONFIG_M (1u << 31)
#define CONFIG_AR (7u << 10) /* 0 for release 1 */
#define CONFIG0(k0, ar) (CONFIG_M | (ar) << 10 | 1u << 7 | (k0)) /* a TLB; K0 cacheable */
/* 64 sets of 16 bytes, 2 ways, for I and D; bits 3 watch, 1 EJTAG, 0 FPU. */
#define CONFIG1(fpu) (CONFIG_M | 3u << 19 | 1u << 16 | 3u << 10 | 1u << 7 | 1u << 3 | 2u | (fpu))
#define CONFIG1_EP (1u << 1)
#define CONFIG1_P5600                                                                              \
    (CONFIG_M | 2u << 22 | 4u << 19 | 3u << 16 | 2u << 13 | 4u << 10 | 3u << 7 | 1u << 3 | 3u)
#define CONFIG3_VINT (1u << 5)
#define CONFIG3_RXI  (1u << 12)
#define CONFIG3_ULRI (1u << 13)
#define CONFIG4_IE   (3u << 29)
#define CONFIG4_KSCR(mask) ((uint32_t)(mask) << 16)

#define STATUS_BASE  0x1058ff1fu /* CU0, BEV, SR, NMI, IM, KSU, ERL, EXL, IE */
#define STATUS_4K    (STATUS_BASE & ~8u) /* no supervisor mode */
#define STATUS_FPU   (STATUS_BASE | 0x24000000u)
#define FIR(prid) (1u << 22 | 1u << 21 | 1u << 20 | 1u << 17 | 1u << 16 | (prid) << 8)
#define FIR_HAS2008 (1u << 23)
#define FCSR_RW   0xff83ffffu
#define FCSR_2008 0x000c0000u /* NAN2008, ABS2008: fixed in chips that have them */

#define R1_4K(name_, prid_)                                                                        \
    {                                                                                              \
        .name = name_, .prid = prid_, .config = {CONFIG0(2u, 0u), CONFIG1(0u) & ~CONFIG_M},        \
        .config0_rw = 7, .status_rw = STATUS_4K, .tlb_entries = 16, .cc_res = 2,                   \
        .watch_pairs = 1, .large_pages = true                                                      \
    }
#define R2_4K(name_, prid_)                                                                        \
    {                                                                                              \
        .name = name_, .prid = prid_,                                                              \
        .config = {CONFIG0(2u, 1u), CONFIG1(0u), CONFIG_M, 0}, .config0_rw = 7,         \
        .status_rw = STATUS_4K, .tlb_entries = 16, .cc_res = 2, .watch_pairs = 1,                  \
        .large_pages = true                                                                        \
    }
#define R2(name_, prid_, entries_, fpu_, fir_)                                                     \
    {                                                                                              \
        .name = name_, .prid = prid_,                                                              \
        .config = {CONFIG0(2u, 1u), CONFIG1(fpu_), CONFIG_M, CONFIG3_ULRI},                        \
        .config0_rw = 7, .status_rw = fpu_ ? STATUS_FPU : STATUS_BASE, .fcr0 = fir_,               \
        .fcr31_rw = fpu_ ? FCSR_RW : 0, .tlb_entries = entries_, .cc_res = 2, .watch_pairs = 4,    \
        .user_local = true, .large_pages = true                                                    \
    }

static const struct mips_model models[] = {
    R2("24Kf", 0x00019300, 64, 1u, FIR(0x93u)),
    R2("24Kc", 0x00019300, 16, 0u, 0),
    R1_4K("4Kc", 0x00018000),
    R1_4K("4KEcR1", 0x00018400),
    R2_4K("4KEc", 0x00019000),
    R2("34Kf", 0x00019500, 16, 1u, FIR(0x95u)),
    R2("74Kf", 0x00019700, 16, 1u, FIR(0x97u)),
    {
        .name = "P5600",
        .prid = 0x0001a800,
        .config = {CONFIG0(2u, 1u), CONFIG1_P5600, CONFIG_M,
                   CONFIG_M | CONFIG3_VINT | CONFIG3_ULRI | CONFIG3_RXI,
                   CONFIG4_IE | CONFIG4_KSCR(0xfc)},
        .config0_rw = 7,
        .status_rw = STATUS_FPU,
        .fcr0 = FIR_HAS2008 | FIR(0xa8u),
        .fcr31_rw = FCSR_RW,
        .fcr31_reset = FCSR_2008,
        .tlb_entries = 64,
        .cc_res = 2,
        .watch_pairs = 4,
        .kscratch = 0xfc,
        .user_local = true,
        .rixi = true,
        .large_pages = true,
    },
};

unsigned model_isa(const struct mips_model *model)
{
    unsigned isa = ISA_R1;
    isa |= model->config[0] & CONFIG_AR ? ISA_R2 : 0;
    isa |= model->config[1] & CONFIG1_EP ? ISA_EJTAG : 0;
    isa |= model->config[4] & CONFIG4_IE ? ISA_INV : 0;
    return isa;
}

const struct mips_model *mips_model_at(unsigned i)
{
    return i < ARRAY_LEN(models) ? &models[i] : NULL;
}

const struct mips_model *mips_model_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_LEN(models); i++)
        if (strcasecmp(models[i].name, name) == 0)
            return &models[i];
    return NULL;
}

bool mips_model_parse(const char *spec, struct mips_model *out)
{
    char name[32];
    const char *comma = strchr(spec, ',');
    size_t n = comma != NULL ? (size_t)(comma - spec) : strlen(spec);
    if (n >= sizeof name)
        return false;
    memcpy(name, spec, n);
    name[n] = 0;
    const struct mips_model *model = mips_model_find(name);
    if (model == NULL)
        return false;
    *out = *model;
    unsigned entries, most = model_isa(model) & ISA_R2 ? MIPS_TLB_MAX : 64;
    int used = 0;
    if (comma == NULL)
        return true;
    if (sscanf(comma, ",tlb=%3u%n", &entries, &used) != 1 || comma[used] != 0 || entries < 16 ||
        entries > most)
        return false;
    out->tlb_entries = (uint16_t)entries;
    return true;
}
