-- An item is taken no more, and what became of it can be read.
--
-- KEYS, ARGV 1–3  as in preludeInbox.lua
-- ARGV  4 id  5 the id that it names, or ''  6 accepted or refused  7 reason
--       8 number of jobs  9 jobs, 10 their states and 11 the keys of their results, each with spaces between
-- Returns 1, or 0 if it is not taken, or the error FENCED.
local refusal = fenced()
if refusal then return refusal end
local id, name, state, reason = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local item = redis.call('HGET', K.taken, id)
if not item then return 0 end
redis.call('HDEL', K.taken, id)
local values = { 'state', state, 'id', id }
if state == 'refused' then
  values[5], values[6] = 'reason', reason
  put_aside(id, reason, item)
else
  for index, field in ipairs({ 'count', 'jobs', 'states', 'keys' }) do
    values[3 + 2 * index], values[4 + 2 * index] = field, ARGV[7 + index]
  end
end
write_record(id, values)
-- A bad repetition does not hide what became of the first of that name.
if name ~= '' and (state == 'accepted' or redis.call('HGET', prefix .. name, 'state') ~= 'accepted') then
  write_record(name, values)
end
return 1
