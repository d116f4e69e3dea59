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
Show the position: virtual time, and the instructions done by each vcpu.
end

define seek
  if $argc != 1
    echo Usage: seek POSITION, +STEPS, -STEPS, begin or end\n
  else
    monitor seek $arg0
    disco-moved
  end
end
document seek
Go to a position: seek N, +N, -N (in instructions of the selected vcpu), begin or end.
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

if $disco_confirm
  set confirm on
end

# gdb keeps registers of threads that it believes were held. This needs gdb's Python, so it is last.
python
gdb.events.stop.connect(lambda event: gdb.execute("maint flush register-cache", to_string=True))
end
