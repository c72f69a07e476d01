-- Deletes each key's record, but never a live claim.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: the revision that `inspect` told, or nothing for the record as it is now. Then one run: number of
--          keys, and two numbers that mean nothing.
-- Returns  per key: y deleted | z left as it is | n claimed or failed in a newer version's record: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/revision.lua
-- @include shared/reply.lua

for i, key in ipairs(KEYS) do
  local record = redis.call('GET', key)
  local found = record and read(record) or {}
  answers[i] = 'z'
  if record and not found.isLive then
    local isSeen = ARGV[i] == '' or ARGV[i] == revisionOf(key, record, found)
    if found.state == 'N' and not found.completed then
      answers[i] = 'n'
    elseif isSeen then
      redis.call('DEL', key)
      answers[i] = 'y'
    end
  end
end

return reply()
