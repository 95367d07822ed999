"""What an error feedback is told of the contribution that it has packed."""

from collections.abc import Awaitable

from heronry.client.contribution_order import ContributionOrder
from heronry.client.uploads import is_settled
from heronry.types.contribution import Acknowledgement
from heronry.types.errors import HeronryError, InvalidArgumentError


async def told(
    order: ContributionOrder, handing_in: Awaitable[Acknowledgement], *, is_repeatable: bool = False
) -> Acknowledgement:
    """Hand in a contribution, tell its feedback of the outcome, and return what the service makes of it.

    Args:
      order: whose feedback, if any, has this contribution under way.
      handing_in: sends it.
      is_repeatable: a refusal keeps the packed bytes for a repetition under the same request id: a part of the
        contribution may wait somewhere, and would count beside what is packed anew.
    """
    feedback = order.feedback
    if feedback is None:
        return await handing_in
    try:
        answer = await handing_in
    except InvalidArgumentError:
        feedback.drop()
        raise
    except BaseException as error:
        is_final = isinstance(error, HeronryError) and is_settled(error)
        feedback.put_back(is_settled=is_final and not is_repeatable)
        raise
    if order.validate_only:
        feedback.drop()
    else:
        feedback.commit()
    return answer
