# From the panic "Unable to mount root fs" back to who named the root device, with nothing but the
# kernel's function names. Run by run-gdb.sh on the replay of the guest "no-root".
set pagination off
set confirm off
set style enabled off

echo \n-- Forward to the panic: by symbol (behind the prologue), and by address.\n
break panic
break *panic
continue
printf "panic's message: %s\n", (char *)$a0
printf "  its argument:  %s\n", (char *)$a1
backtrace 4
continue
info symbol $pc
reverse-continue
info symbol $pc
delete

echo \n-- Backward out of it: to the call.\n
reverse-finish
backtrace 2

echo \n-- Backward to where the device's number was asked for; forward to the answer.\n
break *name_to_dev_t
reverse-continue
set $name = $a0
printf "name_to_dev_t(\"%s\")\n", (char *)$name
finish
printf "  its result is %d: there is no such device\n", $v0
reverse-stepi
stepi
printf "  a step back and again: %d\n", $v0
delete

echo \n-- Who wrote that name? Backward, to the last change of its first letter.\n
watch *(char *)$name
reverse-continue
backtrace 3
delete
reverse-finish
printf "called by root_dev_setup(\"%s\"): it is the kernel's command line\n", (char *)$a1
reverse-finish
backtrace 2
printf "root_dev_setup is not yet entered: the name is \"%s\"\n", (char *)$name
