#!lua flags=no-writes
-- Tells what stands under each key. Changes nothing.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: nothing (an empty string). Then one run: number of keys, and two numbers that mean nothing.
-- Returns  per key: x absent | m malformed | C claimed, F failed, D completed:
--          'expires-in attempts revision first-seen origin' (attempts - where there are none; first-seen and origin
--          missing where the record does not say). A newer version's record tells its state and nothing else.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/revision.lua
-- @include shared/reply.lua

for i, key in ipairs(KEYS) do
  local record = redis.call('GET', key)
  local found = record and read(record) or {}
  if not record then
    answers[i] = 'x'
  elseif found.state == 'M' then
    answers[i] = 'm'
  else
    local revision = revisionOf(key, record, found)
    local detail = redis.call('PTTL', key) .. ' ' .. (found.attempts or '-') .. ' ' .. revision .. ' ' .. (found.first or '') .. (found.origin or '')
    detailed(i, found.is or found.state, detail)
  end
end

return reply()
