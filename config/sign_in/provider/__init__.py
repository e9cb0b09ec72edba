"""Single sign-on by OpenID Connect: the code flow with PKCE, for people who are on record here already.

The provider says who somebody is, and nothing else: whom that is here, an operator has bound
(`evidence.services.people.sign_in_bindings`), and what they may do is said by their roles here.
"""
