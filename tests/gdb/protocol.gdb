set confirm off
set height 0
set width 0
set remotetimeout 5
set debuginfod enabled off
set heuristic-fence-post 4096
set architecture mips:isa32r2
set endian little
echo == connect\n
eval "target remote %s", $socket
info threads
info registers t0 t1 sp pc status cause position mode
info registers system
p $fcsr
x/4i $pc
x/2xw 0x80001018
echo == condition in the target\n
break *0x80001018 if $t0 == 5
continue
p $position
p *(int*)0x80002000
echo == reverse-stepi\n
reverse-stepi
p $position
echo == reverse-continue to the breakpoint, then to the beginning\n
delete
break *0x80001018
stepi 8
reverse-continue
p $position
delete
reverse-continue
p $position
reverse-stepi
echo == an agent dprintf\n
set dprintf-style agent
dprintf *0x8000101c,"t0=%d t1=%08x%%\n", $t0, $t1
tbreak *0x80001018 if $t0 == 4
continue
delete
reverse-continue
echo == watch forwards and backwards\n
watch *(int*)0x80002000
continue
continue
p $position
reverse-continue
p $position
delete
rwatch *(int*)0x80002004
continue
p $position
delete
awatch *(char*)0x80002003
reverse-continue
p $position
delete
echo == ten steps there and back\n
set $from = $position
stepi 10
p $position - $from
reverse-stepi 10
p $position - $from
p $pc
echo == threads\n
thread 2
stepi
thread 1
echo == interrupt\n
monitor slow
python import threading, os, signal
python threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
continue
p $position > 10 && $position < 5000
monitor fast
echo == end of the log\n
continue
p $position
continue
echo == monitor\n
monitor when
monitor nonsense
monitor seek 100
maint flush register-cache
p $position
p $pc
echo == writes are refused\n
python
def attempt(command):
    try:
        gdb.execute(command)
    except gdb.error as e:
        print(e)
end
python attempt("set $t0 = 3")
python attempt("set *(int*)0x80002000 = 4")
echo == search and crc\n
find /w 0x80001000, +0x1000, 0x8d2a0004
echo == a second client\n
python os.system("gdb-multiarch -nx -batch -ex 'target remote %s' 2>&1 | tail -n 2 | cut -c1-70" % gdb.convenience_variable("socket").string())
p $position
echo == reconnect\n
detach
eval "target extended-remote %s", $socket
p $position
echo == a second machine\n
info os processes
add-inferior
inferior 2
attach 2
info threads
inferior 1
set schedule-multiple on
tbreak *0x80001014
continue
p $position
detach inferiors 2
remove-inferiors 2
echo == start at a position\n
starti 1234
p $position
tbreak *0x80001018
run 2000
p $position
kill
disconnect
