#!lua flags=allow-oom
-- Records that the work of each key is done, whoever holds it by now; never overwrites a completed record.
-- Runs on a full server too: a completed record is smaller than the claim that it replaces.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token SP grant SP', or 'token SP' where the grant is not known; then the outline of the completed
--          record (shared/tag.lua).
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds (unused), window in milliseconds.
-- Returns  per key: 0 ok | 1 late | 2 vanished | 3 stolen | m vanished, malformed | n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/tag.lua
-- @include shared/reply.lua
-- @include shared/records.lua

local firstSeen = stamp(now)
local i = 0
local run = count * 2 + 1

while i < count do
  local last = i + ARGV[run]
  local window = ARGV[run + 2]
  run = run + 3
  while i < last do
    i = i + 1
    local record = records[i]
    local mine = ARGV[2 * i - 1]
    local outline = ARGV[2 * i]
    local answer = 2
    local first = firstSeen
    local isDone = false
    if record and isHeld(record, mine) then
      answer = (tonumber(string.sub(record, 4, 16)) or 0) > now and 0 or 1
      first = string.sub(record, 17, 23)
    elseif record then
      local found = read(record)
      if found.state == 'D' then
        isDone = true
        answers[i] = isCompletedBy(found, outline) and found.answer or 3
      elseif found.state == 'N' then
        isDone = true
        answers[i] = 'n'
      elseif found.state == 'M' then
        answers[i] = 'm'
      else
        first = found.first
        local isFailedByMe = found.state == 'F' and found.token == string.match(mine, '^[^ ]+')
        answer = isFailedByMe and 1 or 3
      end
    end
    if not isDone then
      -- @include shared/keep-completed.lua
      answers[i] = answers[i] or answer
    end
  end
end

return reply()
