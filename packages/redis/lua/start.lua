#!lua flags=allow-oom
-- Marks the start of each key's handler, once per grant, and restarts the lease.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token SP grant SP'.
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds, window in milliseconds.
-- Returns  per key: o ok | l lost | m lost, malformed | n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua

local records = redis.call('MGET', unpack(KEYS))
local i = 0
local run = #KEYS + 1

while i < #KEYS do
  local last = i + ARGV[run]
  local leaseEnd = now + ARGV[run + 1]
  local window = ARGV[run + 2]
  run = run + 3
  while i < last do
    i = i + 1
    local record = records[i]
    local found = record and read(record) or {}
    if found.state == 'C' and isHeld(record, ARGV[i]) then
      local attempts = found.attempts + 1 - found.started
      local started = claimedRecord(2 + found.suspect, leaseEnd, found.first, found.token, found.grant, attempts, found.origin)
      redis.call('SET', KEYS[i], started, 'PX', window)
      answers[i] = 'o'
    elseif found.state == 'M' then
      answers[i] = 'm'
    else
      answers[i] = found.state == 'N' and 'n' or 'l'
    end
  end
end

return reply()
