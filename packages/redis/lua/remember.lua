-- Claims and completes each key in one step: at most once.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token', then the outline of the completed record (shared/tag.lua).
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds (unused), window in milliseconds.
-- Returns  per key: w new | d duplicate | D duplicate (completed, or claimed by somebody else): 'first-seen origin' |
--          C conflict: the same | m new over a malformed record | v duplicate of a newer version's record |
--          n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/tag.lua
-- @include shared/reply.lua
-- @include shared/records.lua

local firstSeen = stamp(now)
local i = 0
local run = count * 2 + 1

-- The answer for a key that somebody has, or nil where it is to be completed.
local function answerOf(found, token, outline)
  if found.state == 'N' then
    return found.completed and 'v' or 'n'
  elseif found.state == 'D' then
    if isCompletedBy(found, outline) then
      return 'w'
    elseif found.bare then
      return 'd'
    end
    local former = fingerprintOf(found.origin)
    local fingerprint = #outline > 4 and fingerprintOf(string.sub(outline, 4))
    return former and fingerprint and former ~= fingerprint and 'C' or 'D'
  elseif found.isLive and found.token ~= token then
    return 'D'
  end
end

while i < count do
  local last = i + ARGV[run]
  local window = ARGV[run + 2]
  run = run + 3
  while i < last do
    i = i + 1
    local token = ARGV[2 * i - 1]
    local outline = ARGV[2 * i]
    local found = records[i] and read(records[i]) or {}
    local answer = answerOf(found, token, outline)
    if not answer then
      local first = found.first or firstSeen
      answer = 0
      -- @include shared/keep-completed.lua
      answers[i] = found.state == 'M' and 'm' or 'w'
    elseif answer == 'C' or answer == 'D' then
      detailed(i, answer, found.first .. found.origin)
    else
      answers[i] = answer
    end
  end
end

return reply()
