/* What the two parts of the board survey share. */
#ifndef TESTS_BOARD_SURVEY_H
#define TESTS_BOARD_SURVEY_H

#define FAULT     0xfa017fa0 /* what a register "reads" as that raises an exception */
#define LOW_BYTES 0x3000     /* of RAM from 0, as the firmware left them */

#endif
