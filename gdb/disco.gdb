# Settings and commands for gdb (13 or later) at a replay. In gdb, before or after
# `target remote`:   source disco.gdb
#
# Several vcpus: gdb thinks that it can hold some threads still while it steps others. In a replay
# all move. `set scheduler-locking step` makes gdb name the thread of each step, which is then exact
# whatever was selected before.

set $disco_confirm = $_gdb_setting("confirm")
set confirm off

# All machines move together; without this gdb shows stale registers of the others.
set schedule-multiple on
# Seeking far may take a while (default: 2 s).
set remotetimeout 30
# Without symbols, gdb looks for the start of a function this many bytes back.
set heuristic-fence-post 4096
# Breakpoint conditions and dprintf run inside the replay, at its speed.
set breakpoint condition-evaluation auto
set dprintf-style agent

# gdb's own checkpoints fork a process; those of the replay are positions in its timeline. Whatever
# moves in time behind gdb's back makes the registers that gdb remembers stale.
define disco-moved
  maint flush register-cache
  frame
end
document disco-moved
Show where a monitor command has gone to in time.
end

define when
  monitor when
end
document when
Show the position, virtual time and pc of the selected thread's VM.
end

define seek
  if $argc != 1
    echo Usage: seek POSITION, +STEPS, -STEPS, begin, end or PID:STEP\n
  else
    monitor seek $arg0
    disco-moved
  end
end
document seek
Go to a position: seek N, +N, -N (in instructions of all vcpus), begin, end, or PID:STEP, where that
VM has done so many instructions.
end

define checkpoint
  if $argc == 0
    monitor checkpoint
  else
    monitor checkpoint $arg0
  end
end
document checkpoint
Remember the present position, optionally under a name. See "info checkpoints", "restart".
end

define info checkpoints
  monitor checkpoints
end
document info checkpoints
List the positions remembered by "checkpoint".
end

define restart
  if $argc != 1
    echo Usage: restart CHECKPOINT\n
  else
    monitor restart $arg0
    disco-moved
  end
end
document restart
Go back (or forth) to a checkpoint.
end

define delete checkpoint
  if $argc != 1
    echo Usage: delete checkpoint CHECKPOINT\n
  else
    monitor delete checkpoint $arg0
  end
end
document delete checkpoint
Forget a checkpoint.
end

define watch-physical
  if $argc == 2
    monitor watch-physical $arg0 $arg1
  else
    if $argc == 3
      monitor watch-physical $arg0 $arg1 $arg2
    else
      echo Usage: watch-physical ADDRESS LENGTH [write|read|access]\n
    end
  end
end
document watch-physical
Stop where physical memory changes, or is read or accessed, whoever does it.
See "info watches", "unwatch-physical".
end

define info watches
  monitor watches
end
document info watches
List the watchpoints that "watch-physical" set.
end

define unwatch-physical
  if $argc != 1
    echo Usage: unwatch-physical N or all\n
  else
    monitor unwatch-physical $arg0
  end
end
document unwatch-physical
Delete a watchpoint that "watch-physical" set, or all.
end

define attach-vms
  if $argc != 1
    echo Usage: attach-vms COUNT  (how many VMs the replay has: "monitor vms")\n
  else
    # Before the reset vector there is no memory to be looked through.
    set heuristic-fence-post 0
    set $disco_vm = 2
    while $disco_vm <= $arg0
      add-inferior
      eval "inferior %d", $disco_vm
      eval "attach %d", $disco_vm
      set $disco_vm = $disco_vm + 1
    end
    inferior 1
    set heuristic-fence-post 4096
  end
end
document attach-vms
Attach the other VMs of a replay with COUNT of them, as inferiors 2, 3 and so on.
Use it right after "target extended-remote", with inferior 1.
end

define vms
  monitor vms
end
document vms
List all VMs of the replay, and where they are.
end

if $disco_confirm
  set confirm on
end

# gdb keeps registers of threads that it believes were held. And it does not say which thread is
# selected when it sends a monitor command, unless it reads something before. This needs gdb's
# Python, so it is last.
python
def disco_flush(event=None):
    gdb.execute("maint flush register-cache", to_string=True)

def disco_symbols():
    here = gdb.selected_inferior().num
    for i in [i for i in gdb.inferiors() if i.pid]:
        gdb.execute("inferior %d" % i.num, to_string=True)
        try:
            gdb.execute("file target:/vm%d/vmlinux" % i.pid)
        except gdb.error:
            pass  # that VM has none
    gdb.execute("inferior %d" % here, to_string=True)

def disco_select():
    if len(gdb.inferiors()) > 1 and gdb.selected_thread():
        disco_flush()
        gdb.parse_and_eval("$pc")

gdb.events.stop.connect(disco_flush)
end
define hook-monitor
  python disco_select()
end

define symbols
  monitor symbols
  python disco_symbols()
end
document symbols
Look for the kernels' symbols if the trace lacks them, and read them. May replay the boot.
end
