#!lua flags=allow-oom
-- Gives each key back. The record stays as failed with its last token, so that a late copy of its claim meets 'stale'.
--
-- KEYS     one record per key; no key twice.
-- ARGV     per key: 'token SP grant SP', or 'token SP' where the grant is not known; then f (failed), u (unstarted) or
--          r (reset).
--          Then runs of consecutive keys, in order: number of keys, lease in milliseconds (unused), window in milliseconds.
-- Returns  per key: o ok | l lost | m lost, malformed | n of a newer version: unreadable.
-- Cluster  all keys in one slot.
-- @include shared/clock.lua
-- @include shared/record.lua
-- @include shared/reply.lua

local records = redis.call('MGET', unpack(KEYS))
local i = 0
local run = #KEYS * 2 + 1

local function attemptsAfter(found, as)
  if as == 'f' then
    return found.attempts + 1 - found.started
  elseif as == 'u' then
    return found.attempts - found.started
  end
  return 0
end

while i < #KEYS do
  local last = i + ARGV[run]
  local window = ARGV[run + 2]
  run = run + 3
  while i < last do
    i = i + 1
    local record = records[i]
    local mine = ARGV[2 * i - 1]
    local as = ARGV[2 * i]
    local found = record and read(record) or {}
    if found.state == 'C' and isHeld(record, mine) then
      local suspect = as == 'r' and 0 or found.suspect
      local attempts = attemptsAfter(found, as)
      local failed = 'F1' .. suspect .. '0000000000000' .. found.first .. found.token .. ' ' .. found.grant .. ' ' .. attempts .. ' ' .. found.origin
      redis.call('SET', KEYS[i], failed, 'PX', window)
      answers[i] = 'o'
    elseif found.state == 'F' and found.token == string.match(mine, '^[^ ]+') then
      answers[i] = 'o'
    elseif found.state == 'M' then
      answers[i] = 'm'
    else
      answers[i] = found.state == 'N' and 'n' or 'l'
    end
  end
end

return reply()
