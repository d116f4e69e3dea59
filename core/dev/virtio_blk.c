/*
 * Virtio block device. A request is a header that says what to do, data, and a
 * status byte, which is the last that the device writes. Writes are on the
 * disk when they are done, so a flush has nothing to do.
 */
#include "core/dev/virtio_blk.h"

#include "core/dev/disk_copy.h"

#define F_SEG_MAX      2
#define F_GEOMETRY     4
#define F_RO           5
#define F_BLK_SIZE     6
#define F_FLUSH        9
#define F_TOPOLOGY     10
#define F_DISCARD      13
#define F_WRITE_ZEROES 14
#define BIT(n)         ((uint64_t)1 << (n))

#define T_IN           0
#define T_OUT          1
#define T_FLUSH        4
#define T_GET_ID       8
#define T_DISCARD      11
#define T_WRITE_ZEROES 13
#define S_OK           0
#define S_IOERR        1
#define S_UNSUPP       2

#define HEADER_SIZE 16
#define ID_SIZE     20
#define RANGE_SIZE  16          /* of a discard or write-zeroes request */
#define DATA_MAX    (64u << 20) /* bytes of one request */
#define ZEROES_MAX  2048        /* sectors of one request */
#define DISCARD_MAX (1u << 20)  /* also sectors */
#define SEG_MAX     (VIRTIO_QUEUE_SIZE - 2)

struct request {
    uint32_t type;
    uint64_t sector;
};

static struct virtio_blk *blk_of(struct virtio *v)
{
    return container_of(v, struct virtio_blk, v);
}

static bool on_disk(const struct virtio_blk *blk, uint64_t sector, uint64_t count)
{
    uint64_t total = disk_sectors(blk->disk);
    return sector <= total && count <= total - sector;
}

/* The data part of the chain: `bytes` of it, behind the header for a write. */
static uint8_t transfer(struct virtio_blk *blk, const struct virtio_chain *chain,
                        const struct request *rq, enum dma_dir dir, uint64_t bytes)
{
    bool reads = dir == DMA_TO_MEMORY;
    unsigned first = reads ? chain->out : 0;
    unsigned end = reads ? chain->out + chain->in : chain->out;
    uint64_t skip = reads ? 0 : HEADER_SIZE;
    struct disk_copy copy;
    if (bytes % SECTOR_SIZE != 0 || bytes > DATA_MAX ||
        !on_disk(blk, rq->sector, bytes / SECTOR_SIZE) || (!reads && disk_read_only(blk->disk)))
        return S_IOERR;
    disk_copy_begin(&copy, blk->disk, &blk->v.pci.dev, dir, rq->sector,
                    (uint32_t)(bytes / SECTOR_SIZE));
    for (unsigned i = first; i < end && copy.left > 0; i++) {
        const struct virtio_segment *s = &chain->segment[i];
        if (skip >= s->len) {
            skip -= s->len;
            continue;
        }
        uint64_t n = s->len - skip;
        if (!disk_copy_segment(&copy, s->pa + skip, &n)) {
            virtio_broken(&blk->v); /* the disk's range is good, so it was the memory's */
            return S_IOERR;
        }
        skip = 0;
    }
    return S_OK;
}

/* The one range of a discard or write-zeroes request, of at most `most` sectors. */
static bool get_range(struct virtio_blk *blk, const struct virtio_chain *chain, uint32_t most,
                      uint64_t *sector, uint32_t *count)
{
    uint8_t range[RANGE_SIZE];
    if (chain->out_len != HEADER_SIZE + RANGE_SIZE || disk_read_only(blk->disk) ||
        !virtio_get_header(&blk->v, chain, HEADER_SIZE, range, sizeof range))
        return false;
    bool big = virtio_big_endian(&blk->v);
    *sector = big ? ld_be64(range) : ld_le64(range);
    *count = big ? ld_be32(range + 8) : ld_le32(range + 8);
    return *count <= most && on_disk(blk, *sector, *count);
}

static uint8_t write_zeroes(struct virtio_blk *blk, const struct virtio_chain *chain)
{
    static const uint8_t zero[16 * SECTOR_SIZE];
    uint64_t sector;
    uint32_t count;
    if (!get_range(blk, chain, ZEROES_MAX, &sector, &count))
        return S_IOERR;
    while (count > 0) {
        uint32_t n = (uint32_t)min_u64(count, sizeof zero / SECTOR_SIZE);
        if (!disk_write(blk->disk, sector, n, zero))
            return S_IOERR;
        sector += n;
        count -= n;
    }
    return S_OK;
}

static uint8_t discard(struct virtio_blk *blk, const struct virtio_chain *chain)
{
    uint64_t sector;
    uint32_t count;
    bool done = get_range(blk, chain, DISCARD_MAX, &sector, &count) &&
                disk_discard(blk->disk, sector, count);
    return done ? S_OK : S_IOERR;
}

/* Returns the status; adds what was written to memory to *used. */
static uint8_t do_request(struct virtio_blk *blk, const struct virtio_chain *chain,
                          const struct request *rq, uint32_t *used)
{
    uint64_t room = chain->in_len - 1;
    uint8_t status;
    switch (rq->type) {
    case T_IN:
        status = transfer(blk, chain, rq, DMA_TO_MEMORY, room);
        if (status == S_OK)
            *used += (uint32_t)room;
        return status;
    case T_OUT:
        return transfer(blk, chain, rq, DMA_TO_DEVICE, chain->out_len - HEADER_SIZE);
    case T_FLUSH:
        return S_OK;
    case T_GET_ID: {
        char id[ID_SIZE] = {0};
        size_t n = (size_t)min_u64(room, sizeof id);
        memcpy(id, disk_serial(blk->disk), strnlen(disk_serial(blk->disk), sizeof id));
        if (!virtio_put(&blk->v, chain, 0, id, n))
            return S_IOERR;
        *used += (uint32_t)n;
        return S_OK;
    }
    case T_DISCARD:
        return discard(blk, chain);
    case T_WRITE_ZEROES:
        return write_zeroes(blk, chain);
    default:
        return S_UNSUPP;
    }
}

static bool blk_request(struct virtio *v, unsigned queue, const struct virtio_chain *chain,
                        uint32_t *used)
{
    uint8_t header[HEADER_SIZE];
    (void)queue;
    if (chain->out_len < HEADER_SIZE || chain->in_len < 1) {
        virtio_broken(v);
        return false;
    }
    if (!virtio_get_header(v, chain, 0, header, sizeof header))
        return false;
    bool big = virtio_big_endian(v);
    struct request rq = {
        .type = big ? ld_be32(header) : ld_le32(header),
        .sector = big ? ld_be64(header + 8) : ld_le64(header + 8),
    };
    uint8_t status = do_request(blk_of(v), chain, &rq, used);
    *used += 1;
    /* Harmless when transfer() found bad memory: the request is not given back then. */
    return virtio_put_status(v, chain, chain->in_len - 1, &status, 1);
}

/* VIRTIO 1.1, 5.2.4. */
static void blk_config(struct virtio *v, uint8_t *bytes, bool big_endian)
{
    uint64_t sectors = disk_sectors(blk_of(v)->disk);
    virtio_st64(bytes, sectors, big_endian);
    virtio_st32(bytes + 12, SEG_MAX, big_endian);
    virtio_st16(bytes + 16, (uint16_t)min_u64(sectors / (16 * 63), 16383), big_endian);
    bytes[18] = 16; /* heads */
    bytes[19] = 63; /* sectors per track */
    virtio_st32(bytes + 20, SECTOR_SIZE, big_endian);
    bytes[24] = 3;                          /* physical block: 2^3 logical ones */
    virtio_st16(bytes + 26, 8, big_endian); /* suggested transfers: 4 KiB, 1 MiB */
    virtio_st32(bytes + 28, 2048, big_endian);
    virtio_st32(bytes + 36, DISCARD_MAX, big_endian);
    virtio_st32(bytes + 40, 1, big_endian); /* ranges per request */
    virtio_st32(bytes + 44, 8, big_endian); /* sectors of a block */
    virtio_st32(bytes + 48, ZEROES_MAX, big_endian);
    virtio_st32(bytes + 52, 1, big_endian); /* ranges per request */
}

static const struct virtio_type blk_type = {
    .pci_device = 0x1001,
    .virtio_id = 2,
    .base_class = 0x01,
    .subclass = 0x00,
    .queues = 1,
    .config_size = 60,
    .features = BIT(F_SEG_MAX) | BIT(F_GEOMETRY) | BIT(F_BLK_SIZE) | BIT(F_FLUSH) |
                BIT(F_TOPOLOGY) | BIT(F_DISCARD) | BIT(F_WRITE_ZEROES),
    .request = blk_request,
    .config = blk_config,
};

static const struct state_field blk_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_blk, v),
    STATE_END,
};

static const struct dev_ops blk_dev_ops = {
    .name = "virtio-blk",
    .fields = blk_fields,
    .reset = virtio_dev_reset,
    .loaded = virtio_dev_loaded,
};

void virtio_blk_init(struct virtio_blk *blk, struct platform *p, const char *id,
                     struct pci_bus *bus, unsigned slot, struct disk *disk)
{
    blk->disk = disk;
    virtio_init(&blk->v, &blk_type, disk_read_only(disk) ? BIT(F_RO) : 0, &blk_dev_ops, id, p, bus,
                slot);
}
