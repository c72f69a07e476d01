-- Names the state of a record: `forget` deletes only what was inspected. Of a completed key: the end of its number, and
-- the record with its expiry as long as there is one.
local function revisionOf(i, found, place)
  if found.state == 'C' or found.state == 'F' then
    return found.state .. found.grant .. '.' .. found.token
  elseif found.state == 'D' then
    local revision = 'D' .. (place and slice + place or '') .. '.'
    if records[i] == NUMBER_ONLY then
      return revision
    end
    return revision .. (found.tag or records[i]) .. '.' .. redis.call('PEXPIRETIME', KEYS[i])
  end
  return redis.sha1hex(records[i])
end
