-- The twenty most popular items of train.
from recs.popular
where rank <= 20
order by rank
