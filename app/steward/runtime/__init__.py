"""A small runtime for level-based controllers.

How one change becomes a write, in five files:

1. :mod:`~steward.runtime.informer`: a line of the watch becomes a struct, the store moves, subscribers get a ``Change``.
2. :mod:`~steward.runtime.controller`: ``Watch.keys(change)`` puts keys into the queue; a worker takes one: observe, reconcile, perform, done.
3. The component's ``controller.py``: State in, Plan out; nothing else.
4. :mod:`~steward.runtime.apply`: ours? still leader? then all actions at once.
5. :mod:`~steward.runtime.client`: the request, and its answer or a typed error.

:mod:`~steward.runtime.workqueue` and :mod:`~steward.runtime.store` may be skipped at first: they are what their names promise, with client-go's
semantics. :mod:`~steward.runtime.manager` starts and stops all of it; :mod:`~steward.runtime.component` is how a component is declared.
This package knows no component, no Flask, and no kinds but Lease, Event and the access review.
"""
