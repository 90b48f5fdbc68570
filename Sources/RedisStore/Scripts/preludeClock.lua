-- Prelude: Redis' clock in milliseconds, and numbers as text.
local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- A number as Redis and Swift write it: all digits, no exponent.
local function text(number) return string.format('%.0f', number) end
