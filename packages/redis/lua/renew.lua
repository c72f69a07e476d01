#!lua flags=allow-oom
-- Restarts the lease of each key, lapsed or not, as long as nobody else has claimed it; claims again what is gone.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token SP grant SP', then the origin.
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds, window in milliseconds.
-- Returns  per key: o ok | e restored | l lost | m restored over a malformed record | n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua
-- @include shared/records.lua

local i = 0
local run = count * 2 + 1

while i < count do
  local last = i + ARGV[run]
  local leaseEnd = now + ARGV[run + 1]
  local window = ARGV[run + 2]
  run = run + 3
  while i < last do
    i = i + 1
    local record = records[i]
    local mine = ARGV[2 * i - 1]
    if record and isHeld(record, mine) then
      redis.call('SET', KEYS[i], string.sub(record, 1, 3) .. leaseEnd .. string.sub(record, 17), 'PX', window)
      answers[i] = 'o'
    else
      local state = record and read(record).state
      if not record or state == 'M' then
        local restored = 'C10' .. leaseEnd .. stamp(now) .. mine .. '0 ' .. ARGV[2 * i]
        redis.call('SET', KEYS[i], restored, 'PX', window)
        answers[i] = record and 'm' or 'e'
      else
        answers[i] = state == 'N' and 'n' or 'l'
      end
    end
  end
end

return reply()
