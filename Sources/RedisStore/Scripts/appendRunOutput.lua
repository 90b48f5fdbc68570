-- Adds to what a job wrote, as long as the attempt is the caller's. Entries are numbered, so that a reader sees a gap.
--
-- KEYS, ARGV 1–3  as in preludeRuns.lua
-- ARGV  4 id  5 token  6… chunks
-- Returns 1, or 0 if it was not taken.
local claim = redis.call('HGET', K.claims, ARGV[4])
local _, _, _, holder = split_claim(claim or '')
if holder ~= ARGV[5] then return 0 end
local key = output_key(ARGV[4])
local last = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
local number = last and tonumber(string.match(last[1], '^%d+')) or 0
for index = 6, #ARGV do
  number = number + 1
  redis.call('XADD', key, 'MAXLEN', OUTPUT_CHUNKS, text(number) .. '-0', 'text', ARGV[index])
end
return 1
