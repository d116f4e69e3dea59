#include "core/dev/disk_copy.h"

/* Bytes per disk_dma(), a multiple of SECTOR_SIZE that fits 32 bits. */
#define DMA_MAX 0x1000000

void disk_copy_begin(struct disk_copy *c, struct disk *disk, struct device *dev, enum dma_dir dir,
                     uint64_t sector, uint32_t sectors)
{
    c->disk = disk;
    c->dev = dev;
    c->dir = dir;
    c->sector = sector;
    c->left = sectors;
    c->partial = 0;
}

/* A piece of a sector that more than one segment covers. */
static bool copy_partial(struct disk_copy *c, uint64_t pa, uint32_t n)
{
    if (c->dir == DMA_TO_MEMORY && c->partial == 0 && !disk_read(c->disk, c->sector, 1, c->bytes))
        return false;
    if (!dev_dma(c->dev, c->dir, pa, c->bytes + c->partial, n))
        return false;
    c->partial += n;
    if (c->partial < SECTOR_SIZE)
        return true;
    if (c->dir == DMA_TO_DEVICE && !disk_write(c->disk, c->sector, 1, c->bytes))
        return false;
    c->partial = 0;
    c->sector++;
    c->left--;
    return true;
}

bool disk_copy_segment(struct disk_copy *c, uint64_t pa, uint64_t *n)
{
    uint64_t room = *n;
    while (room > 0 && c->left > 0) {
        uint32_t step;
        if (c->partial == 0 && room >= SECTOR_SIZE) {
            uint64_t whole = min_u64(room, (uint64_t)c->left * SECTOR_SIZE);
            step = (uint32_t)min_u64(whole, DMA_MAX) & ~(uint32_t)(SECTOR_SIZE - 1);
            if (!disk_dma(c->disk, c->dev, c->dir, c->sector, pa, step))
                return false;
            c->sector += step / SECTOR_SIZE;
            c->left -= step / SECTOR_SIZE;
        } else {
            step = (uint32_t)min_u64(room, SECTOR_SIZE - c->partial);
            if (!copy_partial(c, pa, step))
                return false;
        }
        pa += step;
        room -= step;
    }
    *n -= room;
    return true;
}
