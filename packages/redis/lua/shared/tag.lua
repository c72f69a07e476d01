-- What a completion sends of its record: an integer of at most four digits (4 * (token tag % 2500)) where nothing but
-- the fact is kept, else token tag(3) origin.

local function bareTag(tag)
  local value = 0
  for place = 1, 3 do
    value = value * 64 + string.byte(tag, place) - 48
  end
  return value % 2500 * 4
end

-- Whether the completed record was completed by the token behind `outline`.
local function isCompletedBy(opened, outline)
  if #outline > 4 then
    local tag = string.sub(outline, 1, 3)
    if opened.bare then
      return opened.bare == bareTag(tag)
    end
    return opened.tag == tag
  end
  return (opened.bare or bareTag(opened.tag)) == tonumber(outline)
end

local function completedRecord(answer, first, outline)
  if #outline > 4 then
    return 'D1' .. answer .. first .. outline
  end
  return answer == 0 and outline or outline + answer
end
