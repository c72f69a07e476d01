-- Within the loop of a script: writes what `answer`, `first` and `outline` say of the completed key `i`.
redis.call('SET', KEYS[i], completedRecord(answer, first, outline), 'PX', window)
