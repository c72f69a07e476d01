-- One character per key; an upper-case one has a detail line. Details follow in order after the server's clock.
local answers = {}
local details = {}

local function detailed(i, answer, detail)
  answers[i] = answer
  details[#details + 1] = detail
end

local function reply()
  if #details == 0 then
    return table.concat(answers)
  end
  return table.concat(answers) .. '\n' .. now .. '\n' .. table.concat(details, '\n')
end
