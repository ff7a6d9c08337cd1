"""What schemathesis does not know of an engine: things that are there, so that calls lead further than to 404."""
import atexit, collections, json, os

import schemathesis

THERE = json.loads(os.environ["MUSTER_API_THERE"])
# How often each operation answered how.
ANSWERS = collections.defaultdict(collections.Counter)
atexit.register(lambda: json.dump(ANSWERS, open(os.environ["MUSTER_API_ANSWERS"], "w")))


@schemathesis.hook
def after_call(context, case, response):
    ANSWERS[f"{case.operation.method.upper()} {case.operation.path}"][response.status_code] += 1


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Two of three ids are of something that is there: which, the parameter's value decides."""
    if not path_parameters:
        return path_parameters
    collection = context.operation.path.strip("/").split("/")[0]
    for name, value in list(path_parameters.items()):
        known = THERE.get(collection if name == "id" else name)
        # A fixed choice: the same run once more is the same.
        if known and sum(map(ord, str(value))) % 3:
            path_parameters[name] = known[sum(map(ord, str(value))) % len(known)]
    return path_parameters


@schemathesis.hook
def map_query(context, query):
    """No answer is waited for."""
    if query and "wait" in query:
        query["wait"] = 0
    return query
