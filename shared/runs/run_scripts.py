"""The Lua scripts of ``registry``: each change of a run happens completely or not at all."""

from __future__ import annotations

# KEYS: idempotency (or ''), active, run, runs, commands, active runs, requested. ARGV: run_id, now,
# ttl, how many runs are kept, prefix of a run's key, command..., then '--', then the run's fields.
# One script, so that a request is either wholly recorded or not at all before it is answered. An
# active run without a record (a Redis that lost a part) holds nothing up.
REQUEST = """
if KEYS[1] ~= '' then
  local known = redis.call('GET', KEYS[1])
  if known then return {'known', known} end
end
local active = redis.call('GET', KEYS[2])
if active and redis.call('EXISTS', ARGV[5] .. active) == 1 then return {'busy', active} end
local command, fields, target = {}, {}, nil
target = command
for i = 6, #ARGV do
  if ARGV[i] == '--' then target = fields else target[#target + 1] = ARGV[i] end
end
redis.call('SET', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], unpack(fields))
redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
redis.call('SADD', KEYS[6], ARGV[1])
redis.call('SET', KEYS[7], ARGV[2])
redis.call('XADD', KEYS[5], '*', unpack(command))
if KEYS[1] ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3]) end
for _, old in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1 - tonumber(ARGV[4]))) do
  if redis.call('SISMEMBER', KEYS[6], old) == 0 then
    redis.call('DEL', ARGV[5] .. old)
    redis.call('ZREM', KEYS[4], old)
  end
end
return {'new', ARGV[1]}
"""

# KEYS: run, active, active runs, last. ARGV: run_id, new state, its rank, then 'state', 'rank'
# pairs up to '--', then fields. Returns 1 when the state moved.
ADVANCE = """
local old = redis.call('HGET', KEYS[1], 'state')
if not old then return 0 end
local ranks, i = {}, 4
while ARGV[i] ~= '--' do ranks[ARGV[i]] = tonumber(ARGV[i + 1]); i = i + 2 end
local rank = tonumber(ARGV[3])
if rank <= (ranks[old] or -1) then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2])
for j = i + 1, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[j], ARGV[j + 1]) end
if rank == 3 then
  redis.call('SREM', KEYS[3], ARGV[1])
  if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
  redis.call('SET', KEYS[4], ARGV[1])
end
return 1
"""

# KEYS: run. ARGV: fields. One script, so that no part of a run appears where Redis has lost it.
SET_FIELDS = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
"""

# KEYS: run, active, active runs, last, runs. ARGV: run_id, when it was requested, fields.
RESTORE = """
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('SET', KEYS[4], ARGV[1])
redis.call('ZADD', KEYS[5], ARGV[2], ARGV[1])
return 1
"""

# KEYS: run, active runs, where it goes. ARGV: run_id, for how many seconds. Its source may be among
# what cannot be read: a source whose active run has no record is free.
SET_ASIDE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[3])
redis.call('EXPIRE', KEYS[3], ARGV[2])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
"""

# KEYS: lease. ARGV: holder, milliseconds. Takes a free lease or renews one's own.
LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
