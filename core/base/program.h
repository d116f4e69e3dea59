/* What each of the programs does before all else, and at its end. */
#ifndef CORE_BASE_PROGRAM_H
#define CORE_BASE_PROGRAM_H

#include "core/base/base.h"

/* To be called first by main. Descriptors 0, 1 and 2 that are closed become /dev/null, in the
 * direction in which nobody uses them: no file that is opened later gets their numbers, and to read
 * or write them fails as it would on the closed ones. A full file size limit is an error of write,
 * no signal. At exit() what standard output holds is
 * written (program_output_status), and status 0 becomes 1 if that failed. */
void program_begin(void);
/* Flushes standard output: 0, or 1, with one line the first time. A reader that closed the pipe
 * early is no error. */
int program_output_status(void);

#endif
