-- Moves items out of the lists, one of each in turn, into the hash of those that are taken, each under an id of its own.
--
-- KEYS, ARGV 1–3  as in preludeInbox.lua
-- KEYS  6 number of the last one  7… lists
-- ARGV  4 most that are taken  5 most bytes moved  6 most bytes of one item
-- Returns all that are taken, as HGETALL, or the error FENCED.
local refusal = fenced()
if refusal then return refusal end
local room = tonumber(ARGV[4]) - redis.call('HLEN', K.taken)
local bytes, most = tonumber(ARGV[5]), tonumber(ARGV[6])
local number = tonumber(redis.call('GET', KEYS[6]) or '') or 0

local open = {}
for index = 7, #KEYS do
  if redis.call('TYPE', KEYS[index]).ok == 'list' then open[#open + 1] = KEYS[index] end
end
while #open > 0 and room > 0 and bytes > 0 do
  local rest = {}
  for _, list in ipairs(open) do
    local item = room > 0 and bytes > 0 and redis.call('LPOP', list)
    if item then
      rest[#rest + 1] = list
      bytes = bytes - #item
      -- Not below the clock, so that a number that Redis forgot is not given out again.
      number = math.max(number + 1, now)
      local id = 'inbox-' .. text(number)
      if #item > most then
        local reason = 'expected at most ' .. text(most) .. ' bytes, found ' .. text(#item)
        put_aside(id, reason, item)
        write_record(id, { 'state', 'refused', 'id', id, 'reason', reason })
      else
        redis.call('HSET', K.taken, id, item)
        room = room - 1
      end
    end
  end
  open = rest
end
redis.call('SET', KEYS[6], text(number))
return redis.call('HGETALL', K.taken)
