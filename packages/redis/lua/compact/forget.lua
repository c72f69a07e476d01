-- Deletes each key's record and number, but never a live claim.
--
-- KEYS     compact/records.lua.
-- ARGV     as forget.lua.
-- Returns  per key: y deleted | z left as it is | n claimed or failed in a newer version's record: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua
-- @include shared/records.lua
-- @include shared/revision.lua

-- A completed key whose record has gone since it was seen is the same one if its number ends when it did.
local function isSeen(i, found, place)
  local seen = ARGV[i]
  local revision = revisionOf(i, found, place)
  return seen == '' or seen == revision or (records[i] == NUMBER_ONLY and string.sub(seen, 1, #revision) == revision)
end

for i = 1, count do
  local record = records[i]
  local found = record and read(record) or {}
  answers[i] = 'z'
  if record and not found.isLive then
    if found.state == 'N' and not found.completed then
      answers[i] = 'n'
    elseif isSeen(i, found, placeOf(i)) then
      redis.call('DEL', KEYS[i])
      for place = 1, setsPerKey do
        redis.call('SREM', KEYS[count + (i - 1) * setsPerKey + place], ARGV[numbers + i])
      end
      answers[i] = 'y'
    end
  end
end

return reply()
