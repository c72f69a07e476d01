#!lua flags=no-writes
-- Tells what stands under each key. Changes nothing.
--
-- KEYS     compact/records.lua.
-- ARGV     per key: nothing (an empty string). Then one run: number of keys, and two numbers that mean nothing.
-- Returns  as inspect.lua.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua
-- @include shared/records.lua
-- @include shared/revision.lua

for i = 1, count do
  local record = records[i]
  local found = record and read(record) or {}
  if not record then
    answers[i] = 'x'
  elseif found.state == 'M' then
    answers[i] = 'm'
  else
    local place = found.state == 'D' and placeOf(i)
    local kept = place and KEYS[count + (i - 1) * setsPerKey + place] or KEYS[i]
    local revision = revisionOf(i, found, place)
    local detail = redis.call('PTTL', kept) .. ' ' .. (found.attempts or '-') .. ' ' .. revision .. ' ' .. (found.first or '') .. (found.origin or '')
    detailed(i, found.is or found.state, detail)
  end
end

return reply()
